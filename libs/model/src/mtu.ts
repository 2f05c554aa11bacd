/** Smallest MTU of an overlay in bytes, as in DC/OS. */
export const MTU_MIN_BYTES = 552;

/** Smallest MTU of a link that carries IPv6, in bytes (RFC 8200 section 5). */
export const MTU_MIN_IPV6_BYTES = 1280;

/** Largest MTU in bytes: an IPv4 total length has 16 bits (RFC 791 section 3.1). */
export const MTU_MAX_BYTES = 65_535;
