/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is at a path of a container, as seen from its root directory: for choices that a user would
 * make by looking, never for a security decision, since the container may change it at any time.
 * Nothing is opened for reading, no link leads out, and no other file system is entered, whose
 * server could let us wait: what lies there is unseen.
 */
#ifndef ATT_SYS_CTPATH_H
#define ATT_SYS_CTPATH_H

enum att_ctpath {
	ATT_CTPATH_ABSENT = 1,
	ATT_CTPATH_UNSEEN, /* in another file system, or not to be looked at */
	ATT_CTPATH_FILE,
	ATT_CTPATH_PROGRAM, /* a regular file that somebody may execute */
	ATT_CTPATH_DIR,
	ATT_CTPATH_OTHER,
};

/** att_ctpath_look() - Return: enum att_ctpath. */
enum att_ctpath att_ctpath_look(int root_fd, const char *ct_path);

#endif
