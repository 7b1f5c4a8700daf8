/* SPDX-License-Identifier: Apache-2.0 */
/* Why there was no reply, in plain words: from libcurl's code, OpenSSL's verdict and libcurl's own message. */
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "kube/client_internal.h"

#define UNABLE "Unable to connect to the server: "

struct failure {
    struct kt_client *client;
    const struct kt_exchange *exchange;
    const char *where; /* host:port */
    struct kt_error *error;
};

static bool uses_proxy(const struct kt_client *client)
{
    return *client->config->proxy_url != '\0';
}

static int could_not_connect(const struct failure *failure)
{
    long number = 0;
    char reason[128];
    curl_easy_getinfo(failure->client->easy, CURLINFO_OS_ERRNO, &number);
    const char *source = failure->client->config->source;
    if (uses_proxy(failure->client))
        return kt_error_set(failure->error, KT_EUNAVAILABLE, UNABLE "no connection through the proxy to %s (%s)",
                            failure->where, source);
    if (number == ECONNREFUSED)
        return kt_error_set(failure->error, KT_EUNAVAILABLE,
                            "The connection to the server %s was refused - is it running? (%s)", failure->where,
                            source);
    return kt_error_set(failure->error, KT_EUNAVAILABLE, UNABLE "%s: %s (%s)", failure->where,
                        number != 0 ? strerror_r((int)number, reason, sizeof(reason)) : failure->client->curl_message,
                        source);
}

static int unknown_host(const struct failure *failure)
{
    return kt_error_set(failure->error, KT_EUNAVAILABLE, UNABLE "no address is known for the host %s (%s)",
                        failure->client->address.host, failure->client->config->source);
}

static int unknown_proxy(const struct failure *failure)
{
    return kt_error_set(failure->error, KT_EUNAVAILABLE,
                        UNABLE "no address is known for the proxy (%s, or HTTPS_PROXY)",
                        failure->client->config->source);
}

static int connect_timeout(const struct failure *failure)
{
    int64_t spent_ms = kt_clock_monotonic_ms(failure->client->environment->clock) - failure->exchange->started_ms;
    if (spent_ms < 1000)
        return kt_error_set(failure->error, KT_ETIMEOUT, UNABLE "%s did not answer within %lld ms (%s)", failure->where,
                            (long long)spent_ms, failure->client->config->source);
    return kt_error_set(failure->error, KT_ETIMEOUT, UNABLE "%s did not answer within %.1f s (%s)", failure->where,
                        (double)spent_ms / 1000, failure->client->config->source);
}

static int too_large(const struct failure *failure)
{
    return kt_error_set(failure->error, KT_ELIMIT, "the reply of %s to %s %s is larger than the limit of %zu bytes",
                        failure->where, failure->exchange->request->method, failure->exchange->request->path,
                        failure->exchange->body_limit_bytes);
}

static int no_memory(const struct failure *failure)
{
    return kt_error_set(failure->error, KT_ENOMEM, "not enough memory for the reply of %s", failure->where);
}

static int write_failed(const struct failure *failure)
{
    return failure->exchange->body_too_large ? too_large(failure) : no_memory(failure);
}

/* The server's verdict on our certificate comes as a TLS alert, with TLS 1.3 only while reading. */
static const char *const alerts_about_us[] = {
    "alert certificate required",    "alert bad certificate",     "alert unknown ca",
    "alert certificate expired",     "alert certificate unknown", "alert certificate revoked",
    "alert unsupported certificate", "alert access denied",
};

static bool mentions_alert(const struct kt_client *client)
{
    for (size_t i = 0; i < KT_ARRAY_LENGTH(alerts_about_us); i++)
        if (strstr(client->curl_message, alerts_about_us[i]))
            return true;
    return false;
}

static int refused_our_certificate(const struct failure *failure)
{
    return kt_error_set(failure->error, KT_ETLS,
                        UNABLE "%s does not accept the client certificate of %s; it may be expired, from another "
                               "cluster or missing",
                        failure->where, failure->client->config->user_source);
}

static int connection_lost(const struct failure *failure)
{
    if (mentions_alert(failure->client))
        return refused_our_certificate(failure);
    return kt_error_set(failure->error, KT_EUNAVAILABLE,
                        "the connection to the server %s broke off before the reply to %s %s was complete; try again",
                        failure->where, failure->exchange->request->method, failure->exchange->request->path);
}

static int no_http(const struct failure *failure)
{
    return kt_error_set(failure->error, KT_EUNAVAILABLE,
                        UNABLE "%s answers in no HTTP that we understand; is this the address of an API server, and "
                               "is %s:// right? (%s)",
                        failure->where, failure->client->address.scheme, failure->client->config->source);
}

static int handshake_failed(const struct failure *failure)
{
    const char *message = failure->client->curl_message;
    if (mentions_alert(failure->client))
        return refused_our_certificate(failure);
    if (strstr(message, "wrong version number") || strstr(message, "packet length too long"))
        return kt_error_set(failure->error, KT_ETLS,
                            UNABLE "%s does not speak TLS; should its address begin with http://? (%s)", failure->where,
                            failure->client->config->source);
    return kt_error_set(failure->error, KT_ETLS, UNABLE "the TLS handshake with %s failed: %s", failure->where,
                        *message ? message : "no reason was given");
}

/* Appends the names of the server's certificate, as OpenSSL prints them: "DNS:a, IP Address:10.0.0.1". */
static const char *certificate_names(const struct failure *failure)
{
    struct curl_certinfo *info = NULL;
    static const char key[] = "X509v3 Subject Alternative Name:";
    if (curl_easy_getinfo(failure->client->easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info)
        return NULL;
    for (const struct curl_slist *item = info->num_of_certs > 0 ? info->certinfo[0] : NULL; item; item = item->next)
        if (strncmp(item->data, key, sizeof(key) - 1) == 0)
            return item->data + sizeof(key) - 1;
    return NULL;
}

static int wrong_name(const struct failure *failure)
{
    const struct kt_config *config = failure->client->config;
    const char *wanted = *config->tls_server_name ? config->tls_server_name : failure->client->address.host;
    const char *names = certificate_names(failure);
    return kt_error_set(failure->error, KT_ETLS,
                        UNABLE "the certificate of %s is made out to other names than %s%s%.300s; if this is the right "
                               "server, give one of its names with --tls-server-name",
                        failure->where, wanted, names ? ": " : "", names ? names : "");
}

static const struct {
    long verdict;
    const char *words; /* after "the certificate of HOST" */
} verdicts[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "has expired; renew it, or check this machine's clock"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "is not valid yet; check this machine's clock"},
    {X509_V_ERR_CERT_REVOKED, "has been revoked"},
    {X509_V_ERR_INVALID_CA, "is signed by one that is no certificate authority"},
    {X509_V_ERR_INVALID_PURPOSE, "is not one for servers"},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "is signed with a key that is too weak"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "has a key that is too weak"},
};

static const long unknown_authority[] = {
    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
    X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
    X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
    X509_V_ERR_CERT_SIGNATURE_FAILURE,
    X509_V_ERR_CERT_UNTRUSTED,
};

static int not_trusted(const struct failure *failure)
{
    const struct kt_config *config = failure->client->config;
    long verdict = X509_V_OK;
    curl_easy_getinfo(failure->client->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    /* OpenSSL found nothing wrong: libcurl compares the names itself, and then leaves "unspecified" here. */
    if (verdict == X509_V_OK || verdict == X509_V_ERR_UNSPECIFIED || verdict == X509_V_ERR_HOSTNAME_MISMATCH ||
        verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return wrong_name(failure);
    for (size_t i = 0; i < KT_ARRAY_LENGTH(unknown_authority); i++)
        if (verdict == unknown_authority[i])
            return kt_error_set(failure->error, KT_ETLS,
                                UNABLE "the certificate of %s is signed by an unknown authority; trusted is %s",
                                failure->where,
                                config->ca_pem.length > 0 ? config->ca_source : "what this system trusts");
    for (size_t i = 0; i < KT_ARRAY_LENGTH(verdicts); i++)
        if (verdict == verdicts[i].verdict)
            return kt_error_set(failure->error, KT_ETLS, UNABLE "the certificate of %s %s", failure->where,
                                verdicts[i].words);
    return kt_error_set(failure->error, KT_ETLS, UNABLE "the certificate of %s cannot be trusted: %s", failure->where,
                        X509_verify_cert_error_string(verdict));
}

static int bad_client_certificate(const struct failure *failure)
{
    return kt_error_set(failure->error, KT_ETLS,
                        "the client certificate and key of %s cannot be used: check that both are readable PEM and "
                        "belong together",
                        failure->client->config->user_source);
}

static int bad_ca(const struct failure *failure)
{
    return kt_error_set(failure->error, KT_ETLS, "the %s cannot be used: it holds no readable certificate",
                        failure->client->config->ca_source);
}

static const struct {
    CURLcode result;
    int (*explain)(const struct failure *failure);
} explanations[] = {
    {CURLE_COULDNT_CONNECT, could_not_connect},
    {CURLE_COULDNT_RESOLVE_HOST, unknown_host},
    {CURLE_COULDNT_RESOLVE_PROXY, unknown_proxy},
    {CURLE_OPERATION_TIMEDOUT, connect_timeout},
    {CURLE_FILESIZE_EXCEEDED, too_large},
    {CURLE_WRITE_ERROR, write_failed},
    {CURLE_OUT_OF_MEMORY, no_memory},
    {CURLE_GOT_NOTHING, connection_lost},
    {CURLE_PARTIAL_FILE, connection_lost},
    {CURLE_RECV_ERROR, connection_lost},
    {CURLE_SEND_ERROR, connection_lost},
    {CURLE_HTTP2, connection_lost},
    {CURLE_HTTP2_STREAM, connection_lost},
    {CURLE_UNSUPPORTED_PROTOCOL, no_http},
    {CURLE_WEIRD_SERVER_REPLY, no_http},
    {CURLE_SSL_CONNECT_ERROR, handshake_failed},
    {CURLE_PEER_FAILED_VERIFICATION, not_trusted},
    {CURLE_SSL_CERTPROBLEM, bad_client_certificate},
    {CURLE_SSL_CACERT_BADFILE, bad_ca},
};

int kt_transport_error(struct kt_client *client, const struct kt_exchange *exchange, CURLcode result,
                       struct kt_error *error)
{
    struct failure failure = {client, exchange, client->address.host_port, error};
    for (size_t i = 0; i < KT_ARRAY_LENGTH(explanations); i++)
        if (explanations[i].result == result)
            return explanations[i].explain(&failure);
    return kt_error_set(error, KT_EUNAVAILABLE, UNABLE "%s: %s (%s)", failure.where,
                        *client->curl_message ? client->curl_message : curl_easy_strerror(result),
                        client->config->source);
}
