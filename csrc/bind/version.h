/* The version of timekit. It stands here alone: `make lint` checks that CHANGELOG.md, the rockspec of the release and
 * Debian's changelog have the same one. */
#ifndef TK_VERSION_H
#define TK_VERSION_H

#define TK_VERSION "0.1.0"

#endif
