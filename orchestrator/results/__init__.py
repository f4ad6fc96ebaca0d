"""A sweep's folder: files that are whole or absent, what is declared, done, half done and failed."""
