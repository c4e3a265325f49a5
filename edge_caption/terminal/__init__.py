"""What every program of this project shares: how it reads numbers, what it prints, how it ends."""
