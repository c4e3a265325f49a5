"""What a consumer sees of all nodes on a broker."""
