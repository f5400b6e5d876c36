"""One reader of structure: a tree is walked, readings are proposed and weighed, and the only sensible one is taken."""
