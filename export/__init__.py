"""Export: a checkpoint -> a proved bundle. Runs from a checkout, never on a device."""
