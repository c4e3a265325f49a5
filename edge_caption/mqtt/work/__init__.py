"""Photos captioned on other machines: a broker spreads them over workers, which answer who asked."""
