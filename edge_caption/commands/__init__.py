"""The commands of `edge-caption`: one file each."""
