"""Export: a checkpoint -> a proved bundle. Runs from a checkout, never on a device."""

from toolchain.interrupt import end_in_a_line

end_in_a_line("export", "export.sensitivity")

import edge_caption  # noqa: E402, F401 - before ONNX Runtime, which it keeps from reporting
