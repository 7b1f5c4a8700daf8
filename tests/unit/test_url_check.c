/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/cmocka_all.h"
#include "text/url_check.h"

enum upstream { UPSTREAM_TAKES, UPSTREAM_REFUSES };

static const struct {
    const char *url;
    enum kt_url_verdict verdict;
    enum upstream upstream;
} rows[] = {
    /* what people write */
    {"https://huggingface.co/datasets/x/resolve/main/data.parquet?download=true", KT_URL_OK, UPSTREAM_TAKES},
    {"http://a.io", KT_URL_OK, UPSTREAM_TAKES},
    {"HTTPS://A.IO:8443/x", KT_URL_OK, UPSTREAM_TAKES},
    {"https://a.io./x", KT_URL_OK, UPSTREAM_TAKES},
    {"https://a.io/?sig=a%2Fb&x=1,2;3#part", KT_URL_OK, UPSTREAM_TAKES},
    {"https://acct.blob.core.windows.net/$web/d.json", KT_URL_OK, UPSTREAM_TAKES},
    {"https://a.io?x", KT_URL_OK, UPSTREAM_TAKES},
    {"https://8.8.8.8/x", KT_URL_OK, UPSTREAM_TAKES},
    {"https://[2606:4700::1111]:443/x", KT_URL_OK, UPSTREAM_TAKES},
    {"https://xn--e1afmkfd.xn--p1ai/x", KT_URL_OK, UPSTREAM_TAKES},
    {"https://\xd0\xbf\xd1\x80.\xd1\x80\xd1\x84/x", KT_URL_OK, UPSTREAM_TAKES},
    {"https://my_bucket.s3.amazonaws.com/x", KT_URL_OK, UPSTREAM_TAKES},

    /* no URL */
    {"", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"a.io/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"//a.io/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"://a.io", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http:a.io", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http:/a.io/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https:///x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://:443/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://./x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a..io/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io#part", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://a.io/%zz", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://a.io/%4", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://a.io/\n", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://a.io/\x7f", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://a.io/\xc2\x85", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://user@a.io/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://user:password@a.io/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://us\"er@a.io/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://%61.io/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://a%C3%A9.io/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a!.io/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a^.io/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},

    /* ports */
    {"https://a.io:abc/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://a.io:/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io:0/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io:65535/x", KT_URL_OK, UPSTREAM_TAKES},
    {"https://a.io:65536/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io:99999/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io:18446744073709551696/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io:80:80/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://::1/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},

    /* what a shell or curl would make something of */
    {"https://a.io/a b", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io/`id`", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io/$(id)", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io/${HOME}", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io/\";id;\"", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io/'", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io/\\", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io\\@10.0.0.1/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"https://a.io/<x>", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io/a|b", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io/[1-9999]", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"https://a.io/{a,b}", KT_URL_SYNTAX, UPSTREAM_TAKES},

    /* schemes */
    {"s3://b/k", KT_URL_SCHEME, UPSTREAM_REFUSES},
    {"file:///etc/passwd", KT_URL_SCHEME, UPSTREAM_REFUSES},
    {"ftp://a.io/x", KT_URL_SCHEME, UPSTREAM_REFUSES},
    {"httpss://a.io/x", KT_URL_SCHEME, UPSTREAM_REFUSES},
    {"h_p://a.io/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},

    /* this machine, in every spelling */
    {"http://localhost/x", KT_URL_LOCAL, UPSTREAM_REFUSES},
    {"http://LocalHost:80/x", KT_URL_LOCAL, UPSTREAM_REFUSES},
    {"http://localhost./x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://localhost../x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://a.localhost/x", KT_URL_LOCAL, UPSTREAM_REFUSES},
    {"http://localhost.localdomain/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://ip6-localhost/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://127.0.0.1/x", KT_URL_LOCAL, UPSTREAM_REFUSES},
    {"http://127.0.0.1./x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://127.255.0.1/x", KT_URL_LOCAL, UPSTREAM_REFUSES},
    {"http://127.1/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://127.0.1/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://0x7f.1/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://0X7F000001/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://0177.0.0.01/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://017700000001/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://2130706433/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://0/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://0x/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://0.0.0.0/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://[::]/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://[::1]/x", KT_URL_LOCAL, UPSTREAM_REFUSES},
    {"http://[0:0:0:0:0:0:0:1]:80/x", KT_URL_LOCAL, UPSTREAM_REFUSES},
    {"http://[::ffff:127.0.0.1]/x", KT_URL_LOCAL, UPSTREAM_REFUSES},
    {"http://[::ffff:7f00:1]/x", KT_URL_LOCAL, UPSTREAM_REFUSES},
    {"http://[::127.0.0.1]/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://[::ffff:0:127.0.0.1]/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://[64:ff9b::127.0.0.1]/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://[2002:7f00:1::]/x", KT_URL_LOCAL, UPSTREAM_TAKES},
    {"http://user@127.0.0.1/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://127.0.0.1%25x/", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://127.0.0.1%C3%25x/", KT_URL_SYNTAX, UPSTREAM_TAKES},

    /* numbers that are no address */
    {"http://4294967296/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"http://1.2.3.4.5/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"http://256.1.1.1/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"http://127.0.0.0x100000001/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"http://089.0.0.1/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"http://a.io.7/x", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"http://[1.2.3.4]/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://[::1/x", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://[::1]x/", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://[]/", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://[1::2::3]/", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://x[::1]/", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://[2606:4700::1%25eth0]/", KT_URL_SYNTAX, UPSTREAM_TAKES},

    /* private and special ranges, at their edges */
    {"http://9.255.255.255/", KT_URL_OK, UPSTREAM_TAKES},
    {"http://10.0.0.0/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://10.255.255.255/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://11.0.0.0/", KT_URL_OK, UPSTREAM_TAKES},
    {"http://172.15.255.255/", KT_URL_OK, UPSTREAM_TAKES},
    {"http://172.16.0.0/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://172.31.255.255/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://172.32.0.0/", KT_URL_OK, UPSTREAM_TAKES},
    {"http://192.168.1.1/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://192.169.0.0/", KT_URL_OK, UPSTREAM_TAKES},
    {"http://0xa.1/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://012.1/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://100.63.255.255/", KT_URL_OK, UPSTREAM_TAKES},
    {"http://100.64.0.1/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://100.127.255.255/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://100.128.0.0/", KT_URL_OK, UPSTREAM_TAKES},
    {"http://192.0.2.1/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://198.19.0.1/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://224.0.0.1/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://224.0.1.1/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://255.255.255.255/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://[fc00::1]/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://[fdff::1]/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://[fec0::1]/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://[ff02::1]/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://[ff05::1]/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://[2001:db8::1]/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://[2001:0:1::]/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://[4000::1]/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://[64:ff9b::10.1.2.3]/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://[64:ff9b::8.8.8.8]/", KT_URL_OK, UPSTREAM_TAKES},
    {"http://[64:ff9b:1::8.8.8.8]/", KT_URL_PRIVATE, UPSTREAM_TAKES},
    {"http://[::ffff:10.0.0.1]/", KT_URL_PRIVATE, UPSTREAM_REFUSES},
    {"http://[::ffff:8.8.8.8]/", KT_URL_OK, UPSTREAM_TAKES},
    {"http://169.254.0.1/", KT_URL_LINK_LOCAL, UPSTREAM_REFUSES},
    {"http://[fe80::1]/", KT_URL_LINK_LOCAL, UPSTREAM_REFUSES},
    {"http://[febf::1%25eth0]/", KT_URL_LINK_LOCAL, UPSTREAM_REFUSES},
    {"http://[fe80::1%eth0]/", KT_URL_LINK_LOCAL, UPSTREAM_REFUSES},

    /* metadata services */
    {"http://169.254.169.254/latest/meta-data/", KT_URL_METADATA, UPSTREAM_REFUSES},
    {"http://2852039166/", KT_URL_METADATA, UPSTREAM_TAKES},
    {"http://[::ffff:a9fe:a9fe]/", KT_URL_METADATA, UPSTREAM_REFUSES},
    {"http://168.63.129.16/", KT_URL_METADATA, UPSTREAM_TAKES},
    {"http://100.100.100.200/", KT_URL_METADATA, UPSTREAM_TAKES},
    {"http://[fd00:ec2::254]/", KT_URL_METADATA, UPSTREAM_REFUSES},
    {"http://metadata/", KT_URL_METADATA, UPSTREAM_TAKES},
    {"http://metadata.google.internal/", KT_URL_METADATA, UPSTREAM_REFUSES},
    {"http://METADATA.google.internal./", KT_URL_METADATA, UPSTREAM_TAKES},
    {"http://metadata.google/", KT_URL_METADATA, UPSTREAM_REFUSES},
    {"http://instance-data.ec2.internal/", KT_URL_METADATA, UPSTREAM_REFUSES},
    {"http://metadata.azure.internal/", KT_URL_METADATA, UPSTREAM_TAKES},
    {"http://notmetadata.google/", KT_URL_OK, UPSTREAM_TAKES},

    /* inside the cluster */
    {"http://kubernetes.default.svc/", KT_URL_CLUSTER, UPSTREAM_TAKES},
    {"http://kubernetes.default.svc.cluster.local/", KT_URL_CLUSTER, UPSTREAM_TAKES},
    {"http://kubernetes.default/", KT_URL_CLUSTER, UPSTREAM_TAKES},
    {"http://kube-dns.kube-system:53/", KT_URL_CLUSTER, UPSTREAM_TAKES},
    {"http://kubernetes/", KT_URL_CLUSTER, UPSTREAM_TAKES},
    {"http://x.internal/", KT_URL_CLUSTER, UPSTREAM_TAKES},
    {"http://printer.LOCAL/", KT_URL_CLUSTER, UPSTREAM_TAKES},
    {"http://x.notlocal/", KT_URL_OK, UPSTREAM_TAKES},

    /* characters that a resolver turns into others */
    {"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", KT_URL_SYNTAX, UPSTREAM_TAKES}, /* full-width 127 */
    {"http://127\xe3\x80\x82"
     "0.0.1/",
     KT_URL_SYNTAX, UPSTREAM_TAKES},                                              /* ideographic stop */
    {"http://\xe2\x93\x9bocalhost/", KT_URL_SYNTAX, UPSTREAM_TAKES},              /* circled l */
    {"http://local\xc2\xadhost/", KT_URL_SYNTAX, UPSTREAM_TAKES},                 /* soft hyphen */
    {"http://localho\xc5\xbft/", KT_URL_SYNTAX, UPSTREAM_TAKES},                  /* long s */
    {"http://metadata.google.\xc4\xb0nternal/", KT_URL_SYNTAX, UPSTREAM_REFUSES}, /* I with a dot */
    {"http://metadata.google.%C4%B0nternal/", KT_URL_SYNTAX, UPSTREAM_REFUSES},
    {"http://\xff.io/", KT_URL_SYNTAX, UPSTREAM_TAKES},
    {"http://\xd0.io/", KT_URL_SYNTAX, UPSTREAM_TAKES},
};

static void judges_every_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < KT_ARRAY_LENGTH(rows); i++) {
        struct kt_url_finding finding = kt_url_check(kt_str(rows[i].url));
        if (finding.verdict != rows[i].verdict)
            fail_msg("%s: verdict %d instead of %d (%s)", rows[i].url, (int)finding.verdict, (int)rows[i].verdict,
                     finding.reason ? finding.reason : "ok");
        if (finding.upstream_refuses != (rows[i].upstream == UPSTREAM_REFUSES))
            fail_msg("%s: upstream %s it", rows[i].url, finding.upstream_refuses ? "takes" : "refuses");
        assert_int_equal(finding.verdict == KT_URL_OK, finding.reason == NULL);
    }
}

static void assert_str(struct kt_str actual, const char *expected)
{
    assert_int_equal(actual.length, strlen(expected));
    if (actual.length > 0)
        assert_memory_equal(actual.data, expected, actual.length);
}

static void gives_host_and_path(void **state)
{
    (void)state;
    struct kt_url_finding finding = kt_url_check(KT_STR("https://Data.Example.org:8443/a/b.json?x=/y#/z"));
    assert_str(finding.host, "Data.Example.org");
    assert_str(finding.path, "/a/b.json");
    finding = kt_url_check(KT_STR("https://[2606:4700::1]:443?x"));
    assert_str(finding.host, "2606:4700::1");
    assert_str(finding.path, "");
    finding = kt_url_check(KT_STR("http://10.0.0.1/secret"));
    assert_str(finding.host, "10.0.0.1");
    assert_str(finding.path, "/secret");
    finding = kt_url_check(KT_STR("not a url"));
    assert_str(finding.host, "");
}

static void sees_a_nul(void **state)
{
    (void)state;
    static const char url[] = "http://a.io\0.evil/x";
    struct kt_url_finding finding = kt_url_check((struct kt_str){url, sizeof(url) - 1});
    assert_int_equal(finding.verdict, KT_URL_SYNTAX);
    assert_true(finding.upstream_refuses);
}

static void long_hosts_are_no_hosts(void **state)
{
    (void)state;
    char url[400] = "http://";
    size_t length = strlen(url);
    while (length < 7 + 250) {
        memset(url + length, 'a', 9);
        url[length + 9] = '.';
        length += 10;
    }
    memcpy(url + length, "io/", 4);
    assert_int_equal(kt_url_check(kt_str(url)).verdict, KT_URL_OK); /* 252 characters */
    memcpy(url + length, "info/", 6);
    assert_int_equal(kt_url_check(kt_str(url)).verdict, KT_URL_SYNTAX);

    memset(url + 7, 'a', 64);
    memcpy(url + 7 + 63, ".io/", 5);
    assert_int_equal(kt_url_check(kt_str(url)).verdict, KT_URL_OK);
    memcpy(url + 7 + 63, "a.io/", 6);
    assert_int_equal(kt_url_check(kt_str(url)).verdict, KT_URL_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_every_spelling),
        cmocka_unit_test(gives_host_and_path),
        cmocka_unit_test(sees_a_nul),
        cmocka_unit_test(long_hosts_are_no_hosts),
    };
    return cmocka_run_group_tests_name("url_check", tests, NULL, NULL);
}
