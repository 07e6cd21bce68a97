sub vcl_init {
	ghost.pass_door("direct");
}
