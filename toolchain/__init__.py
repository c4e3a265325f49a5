"""What the commands of the toolchain share; never on a device."""
