/*
 * restore: the terminal's settings as they were, put back even by a dying process.
 */
#ifndef TUI_TERM_RESTORE_H
#define TUI_TERM_RESTORE_H

/*
 * Notes the terminal's settings and the bytes that leave full screen, and has
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT put them back before they kill.
 */
void restore_arm(const char *leave_bytes);
void restore_disarm(void);

#endif
