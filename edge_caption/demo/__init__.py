"""Photos that ship with the package, and a camera that pans over them."""
