/* SPDX-License-Identifier: Apache-2.0 */
/* `kaito-webhook` without a mode word: the server. */
#ifndef KT_WEBHOOK_SERVE_COMMAND_H
#define KT_WEBHOOK_SERVE_COMMAND_H

/* argv as main got it. Returns the exit code: 0 after an orderly end, 1 when it cannot start, 2 for bad flags. */
int kt_serve_command(int argc, char **argv);

#endif
