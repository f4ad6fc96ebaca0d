"""Where results come from: a sweep's folder, a CSV, a Ray ResultGrid; one frame whatever the source."""
