/*
 * Tells an event loop that cannot watch our engines' descriptors, nginx's, that one of them is readable: a helper
 * thread watches them and writes to a unix connection, which such a loop can read. It knows neither Lua nor engines.
 *
 * All functions are for the one thread that made the notifier. In a forked child they fail, and freeing gives back the
 * child's own copies only.
 */
#ifndef TK_NOTIFIER_H
#define TK_NOTIFIER_H

#define TK_NOTIFIER_MESSAGE_SIZE 128

typedef struct tk_notifier tk_notifier;

/* Makes the socket that the loop is to connect to; there is no thread yet. NULL on failure, with a line in `message`.
   The caller frees the notifier. */
tk_notifier *tk_notifier_new(char message[TK_NOTIFIER_MESSAGE_SIZE]);

/* Where to connect; only this user may. */
const char *tk_notifier_path(const tk_notifier *notifier);

/* Takes the one connection that has been made, removes the socket from the file system and starts the thread. Does not
   wait. 0 on failure, with a line in `message`; the notifier is of no use then. */
int tk_notifier_accept(tk_notifier *notifier, char message[TK_NOTIFIER_MESSAGE_SIZE]);

/* Watches a descriptor until it is readable, once: then the line "<fd>\n" is written. Watching it again, before or after,
   is all right. 0 on failure. */
int tk_notifier_watch(tk_notifier *notifier, int fd);

/* The line of a descriptor that was readable just before may still come. */
void tk_notifier_unwatch(tk_notifier *notifier, int fd);

/* Writes the line "-1\n", to wake whoever reads. */
void tk_notifier_ring(tk_notifier *notifier);

/* 0 once the other end has gone, before it came, and in a forked child. */
int tk_notifier_connected(const tk_notifier *notifier);

/* Ends the thread and waits for that, which is a matter of microseconds. NULL is allowed. */
void tk_notifier_free(tk_notifier *notifier);

#endif
