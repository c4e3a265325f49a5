"""Training: photos with sentences -> a checkpoint. Runs from a checkout, never on a device."""

from training.model.torchvision_import import ensure_importable

ensure_importable()
