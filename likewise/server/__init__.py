"""A gallery behind HTTP: the service of `likewise serve` and its page. Needs the extra `serve`."""
