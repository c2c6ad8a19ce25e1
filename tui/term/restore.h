/*
 * restore: the terminal's settings as they were, put back even by a dying process.
 */
#ifndef TUI_TERM_RESTORE_H
#define TUI_TERM_RESTORE_H

/*
 * Before anything touches the terminal: notes its settings, and has SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL and SIGABRT put them back before they kill.
 */
void restore_arm(void);
/* The bytes that leave full screen, once they are known. */
void restore_leave_with(const char *bytes);
void restore_disarm(void);

#endif
