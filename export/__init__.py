"""Export: a checkpoint -> a proved bundle. Runs from a checkout, never on a device."""

import edge_caption  # noqa: F401 - before ONNX Runtime, which it keeps from reporting
