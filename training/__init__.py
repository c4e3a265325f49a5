"""Training: photos with sentences -> a checkpoint. Runs from a checkout, never on a device."""

from toolchain.interrupt import end_in_a_line

end_in_a_line("training", "training.teach")

from training.model.torchvision_import import ensure_importable  # noqa: E402 - PyTorch takes seconds

ensure_importable()
