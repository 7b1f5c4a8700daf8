/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules are those of k8s.io/apimachinery v0.35 pkg/api/validate/content (dns.go, identifier.go) and
 * pkg/util/validation (IsConfigMapKey).
 */
#include "text/names.h"

#define LABEL_LONGEST 63
#define SUBDOMAIN_LONGEST 253

static bool is_lower_alnum(char byte)
{
    return kt_ascii_is_digit(byte) || (byte >= 'a' && byte <= 'z');
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? without regard to length. */
static bool is_dns_label(struct kt_str text)
{
    if (text.length == 0 || !is_lower_alnum(text.data[0]) || !is_lower_alnum(text.data[text.length - 1]))
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] != '-' && !is_lower_alnum(text.data[i]))
            return false;
    return true;
}

static bool is_dns_subdomain(struct kt_str text)
{
    for (;;) {
        size_t dot = kt_str_find_char(text, '.');
        if (dot == SIZE_MAX)
            return is_dns_label(text);
        if (!is_dns_label((struct kt_str){text.data, dot}))
            return false;
        text = (struct kt_str){text.data + dot + 1, text.length - dot - 1};
    }
}

/* ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9] without regard to length. */
static bool is_qualified_part(struct kt_str text)
{
    if (text.length == 0 || !kt_ascii_is_alnum(text.data[0]) || !kt_ascii_is_alnum(text.data[text.length - 1]))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (!kt_ascii_is_alnum(byte) && byte != '-' && byte != '_' && byte != '.')
            return false;
    }
    return true;
}

const char *kt_names_dns1123_label(struct kt_str text)
{
    if (text.length > LABEL_LONGEST)
        return "is too long: at most 63 characters are allowed";
    if (is_dns_label(text))
        return NULL;
    if (is_dns_subdomain(text))
        return "has a dot: only lower-case letters, digits and '-' are allowed";
    return "may have only lower-case letters, digits and '-', and must begin and end with a letter or digit";
}

const char *kt_names_dns1123_subdomain(struct kt_str text)
{
    if (text.length > SUBDOMAIN_LONGEST)
        return "is too long: at most 253 characters are allowed";
    if (is_dns_subdomain(text))
        return NULL;
    return "may have only lower-case letters, digits, '-' and '.', and each part between dots must begin and end with "
           "a "
           "letter or digit";
}

const char *kt_names_dns1035_label(struct kt_str text)
{
    if (text.length > LABEL_LONGEST)
        return "is too long: at most 63 characters are allowed";
    if (is_dns_label(text))
        return kt_ascii_is_digit(text.data[0]) ? "begins with a digit: it must begin with a lower-case letter" : NULL;
    if (is_dns_subdomain(text))
        return "has a dot: only lower-case letters, digits and '-' are allowed";
    return "may have only lower-case letters, digits and '-', must begin with a letter and end with a letter or digit";
}

const char *kt_names_label_key(struct kt_str text)
{
    size_t slash = kt_str_find_char(text, '/');
    struct kt_str name = text;
    if (slash != SIZE_MAX) {
        struct kt_str prefix = {text.data, slash};
        name = (struct kt_str){text.data + slash + 1, text.length - slash - 1};
        if (kt_str_find_char(name, '/') != SIZE_MAX)
            return "has more than one '/': it is [prefix/]name";
        if (prefix.length > SUBDOMAIN_LONGEST)
            return "has a prefix that is too long: at most 253 characters are allowed before the '/'";
        if (!is_dns_subdomain(prefix))
            return "has a bad prefix: before the '/' stands a DNS name of lower-case letters, digits, '-' and '.'";
    }
    if (name.length == 0)
        return "has no name: it is [prefix/]name";
    if (name.length > LABEL_LONGEST)
        return "has a name that is too long: at most 63 characters are allowed, not counting a prefix";
    if (!is_qualified_part(name))
        return "may have only letters, digits, '-', '_' and '.' in its name, and the name must begin and end with a "
               "letter "
               "or digit";
    return NULL;
}

const char *kt_names_label_value(struct kt_str text)
{
    if (text.length > LABEL_LONGEST)
        return "is too long: at most 63 characters are allowed";
    if (text.length > 0 && !is_qualified_part(text))
        return "may have only letters, digits, '-', '_' and '.', and must begin and end with a letter or digit";
    return NULL;
}

const char *kt_names_config_map_key(struct kt_str text)
{
    if (text.length > SUBDOMAIN_LONGEST)
        return "is too long: at most 253 characters are allowed";
    if (text.length == 0)
        return "is empty: letters, digits, '-', '_' and '.' are allowed";
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (!kt_ascii_is_alnum(byte) && byte != '-' && byte != '_' && byte != '.')
            return "may have only letters, digits, '-', '_' and '.'";
    }
    if (kt_str_equal(text, KT_STR(".")))
        return "must not be '.'";
    if (kt_str_starts_with(text, KT_STR("..")))
        return "must not begin with '..'";
    return NULL;
}
