"""HTTP over a bundle: the Open Inference Protocol, photo files, figures and a page. Needs the extra `serve`."""
