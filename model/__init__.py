"""Networks, data and training of the study. Knows neither Ray nor any file of a sweep."""
