/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the library and its liblxc helper understand each other: verbs in, exit status out. */
#ifndef ATT_CT_HELPER_HELPER_H
#define ATT_CT_HELPER_HELPER_H

/* Verbs; what each prints is words, each ended by a NUL. */
#define ATT_HELPER_VERSION "version" /* the version */
#define ATT_HELPER_LXCPATH "lxcpath" /* the configured path */
#define ATT_HELPER_ACTIVE  "active"  /* LXCPATH: names of what runs */
#define ATT_HELPER_ALL     "all"     /* LXCPATH: names of all */
/* LXCPATH NAME: seccomp profile, environment, each empty when not set; init's pidfd beside it. */
#define ATT_HELPER_ASK "ask"

/* Exit status; 0 is done. */
#define ATT_HELPER_USAGE     2
#define ATT_HELPER_NO_LIBLXC 3
#define ATT_HELPER_TOO_OLD   4
#define ATT_HELPER_FAILED    5
#define ATT_HELPER_NO_INIT   6 /* the word printed is why, an errno */

#endif
