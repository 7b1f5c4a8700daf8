/* SPDX-License-Identifier: Apache-2.0 */
/* The way to the API server that the flags and the kubeconfig say. */
#ifndef KT_PLUGIN_CONNECTION_H
#define KT_PLUGIN_CONNECTION_H

#include "kube/client.h"
#include "plugin/command.h"

struct kt_connection {
    struct kt_app *app;
    struct kt_config config;
    struct kt_client *client;
};

/* Reads the kubeconfig; nothing is sent yet. From here on the first Ctrl-C makes a running request end with
 * KT_EINTERRUPTED, and the second ends the program. connection must not move while it is used. */
int kt_connect(struct kt_app *app, struct kt_connection *connection, struct kt_error *error) KT_NODISCARD;
/* Accepts a zeroed one. For KT_CLEANUP. */
void kt_disconnect(struct kt_connection *connection);

/* The connection flags as kube/config.h takes them. */
struct kt_config_overrides kt_connection_overrides(const struct kt_app *app);
/* After an interruption: requests work again, for cleaning up. A further Ctrl-C ends the program. */
void kt_connection_resume(struct kt_connection *connection);
/* Readable after the first Ctrl-C; never to be read from. */
int kt_connection_stop_fd(const struct kt_connection *connection);
/* Waits; false when it was interrupted. */
bool kt_connection_pause(struct kt_connection *connection, int milliseconds) KT_NODISCARD;
/* Writes the warnings of a reply, each text once in a run of the program. */
void kt_connection_warn(struct kt_connection *connection, const struct kt_reply *reply);

#endif
