"""Other engines on the shipped INT8 graphs: the same weights and scales, outputs compared."""
