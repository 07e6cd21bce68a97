if (ghost.lookup()) {
	return (hash);
}
