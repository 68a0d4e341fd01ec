/*
 * The notifier serves event loops that cannot watch an engine's descriptor, such as nginx's. A helper thread watches
 * the descriptors and writes a line to a unix connection when one is readable; such loops can read a connection. It
 * knows neither Lua nor engines.
 *
 * Only the thread that made the notifier may use it. In a forked child the functions fail, and freeing only gives
 * back the child's own copies.
 */
#ifndef TK_NOTIFIER_H
#define TK_NOTIFIER_H

#define TK_NOTIFIER_MESSAGE_SIZE 128

typedef struct tk_notifier tk_notifier;

/* Makes a notifier, which the caller frees, and the socket that the loop has to connect to. There is no thread yet.
   NULL on failure, with a line in `message`. */
tk_notifier *tk_notifier_new(char message[TK_NOTIFIER_MESSAGE_SIZE]);

/* The path of the socket to connect to; "" once the connection was accepted. Only this user can connect. */
const char *tk_notifier_path(const tk_notifier *notifier);

/* Accepts the loop's connection, removes the socket from the file system and starts the thread. Does not wait: it
   fails if nobody has connected yet. 0 on failure, with a line in `message`. */
int tk_notifier_accept(tk_notifier *notifier, char message[TK_NOTIFIER_MESSAGE_SIZE]);

/* Watches a descriptor until it is readable, once; then the line "<fd>\n" is written. A descriptor may be watched
   again at any time. 0 on failure. */
int tk_notifier_watch(tk_notifier *notifier, int fd);

/* Stops watching. If the descriptor was readable just before, its line may still come. */
void tk_notifier_unwatch(tk_notifier *notifier, int fd);

/* Writes the line "-1\n", which wakes the reader. */
void tk_notifier_ring(tk_notifier *notifier);

/* 1 while the connection is open; 0 before it was accepted, once the other end has closed it, and in a forked
   child. */
int tk_notifier_connected(const tk_notifier *notifier);

/* Ends the thread, and waits for its end, which takes microseconds. NULL is allowed. */
void tk_notifier_free(tk_notifier *notifier);

#endif
