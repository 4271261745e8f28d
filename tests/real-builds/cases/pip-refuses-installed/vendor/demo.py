version = "1.0-vendor1"
