"""A bundle that comes over MQTT or from a URL: received, verified, tried, taken or rolled back."""
