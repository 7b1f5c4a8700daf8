/* SPDX-License-Identifier: Apache-2.0 */
#include "dataset/thrift.h"

#include "base/limits.h"

static uint8_t take_byte(struct kt_thrift *thrift)
{
    if (thrift->rest.length == 0) {
        thrift->failed = true;
        return 0;
    }
    uint8_t byte = (uint8_t)thrift->rest.data[0];
    thrift->rest = (struct kt_str){thrift->rest.data + 1, thrift->rest.length - 1};
    return byte;
}

static uint64_t take_varint(struct kt_thrift *thrift)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = take_byte(thrift);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return thrift->failed ? 0 : value;
    }
    thrift->failed = true;
    return 0;
}

int64_t kt_thrift_integer(struct kt_thrift *thrift)
{
    uint64_t value = take_varint(thrift);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void pass(struct kt_thrift *thrift, uint64_t length)
{
    if (length > thrift->rest.length) {
        thrift->failed = true;
        length = thrift->rest.length;
    }
    thrift->rest = (struct kt_str){thrift->rest.data + length, thrift->rest.length - length};
}

struct kt_str kt_thrift_binary(struct kt_thrift *thrift)
{
    uint64_t length = take_varint(thrift);
    const char *data = thrift->rest.data;
    pass(thrift, length);
    return thrift->failed ? (struct kt_str){"", 0} : (struct kt_str){data, (size_t)length};
}

static enum kt_thrift_type type_of(struct kt_thrift *thrift, uint8_t bits)
{
    if (bits > KT_THRIFT_STRUCT)
        thrift->failed = true;
    return thrift->failed ? KT_THRIFT_STOP : (enum kt_thrift_type)bits;
}

struct kt_thrift_field kt_thrift_field(struct kt_thrift *thrift, int64_t id)
{
    uint8_t head = take_byte(thrift);
    struct kt_thrift_field field = {.type = type_of(thrift, head & 0xf)};
    if (field.type == KT_THRIFT_STOP)
        return field;
    /* Ids are 16 bits wide, so this stays far from any overflow. */
    field.id = head >> 4 ? id + (head >> 4) : kt_thrift_integer(thrift);
    if (field.id < 0 || field.id > INT16_MAX)
        thrift->failed = true;
    return thrift->failed ? (struct kt_thrift_field){0} : field;
}

uint64_t kt_thrift_list(struct kt_thrift *thrift, enum kt_thrift_type *ret_type)
{
    uint8_t head = take_byte(thrift);
    *ret_type = type_of(thrift, head & 0xf);
    uint64_t count = head >> 4 == 15 ? take_varint(thrift) : head >> 4;
    /* Each item has a byte at least. */
    if (count > thrift->rest.length)
        thrift->failed = true;
    return thrift->failed ? 0 : count;
}

/* --- passing over ------------------------------------------------------------------------------------------------- */

static void skip_value(struct kt_thrift *thrift, enum kt_thrift_type type, bool in_list, size_t depth);

static void skip_items(struct kt_thrift *thrift, size_t depth)
{
    enum kt_thrift_type type;
    uint64_t count = kt_thrift_list(thrift, &type);
    while (count-- > 0 && !thrift->failed)
        skip_value(thrift, type, true, depth);
}

static void skip_map(struct kt_thrift *thrift, size_t depth)
{
    uint64_t count = take_varint(thrift);
    uint8_t types = count > 0 ? take_byte(thrift) : 0;
    enum kt_thrift_type key = type_of(thrift, types >> 4), value = type_of(thrift, types & 0xf);
    if (count > thrift->rest.length)
        thrift->failed = true;
    while (count-- > 0 && !thrift->failed) {
        skip_value(thrift, key, true, depth);
        skip_value(thrift, value, true, depth);
    }
}

static void skip_struct(struct kt_thrift *thrift, size_t depth)
{
    struct kt_thrift_field field = {0};
    do {
        field = kt_thrift_field(thrift, field.id);
        if (field.type != KT_THRIFT_STOP)
            skip_value(thrift, field.type, false, depth);
    } while (field.type != KT_THRIFT_STOP && !thrift->failed);
}

/* A truth value of a field stands in its type; in a list it has a byte. */
static void skip_value(struct kt_thrift *thrift, enum kt_thrift_type type, bool in_list, size_t depth)
{
    if (depth >= KT_LIMIT_PARQUET_DEPTH) {
        thrift->failed = true;
        return;
    }
    switch (type) {
    case KT_THRIFT_TRUE:
    case KT_THRIFT_FALSE:
        pass(thrift, in_list ? 1 : 0);
        break;
    case KT_THRIFT_BYTE:
        pass(thrift, 1);
        break;
    case KT_THRIFT_I16:
    case KT_THRIFT_I32:
    case KT_THRIFT_I64:
        take_varint(thrift);
        break;
    case KT_THRIFT_DOUBLE:
        pass(thrift, 8);
        break;
    case KT_THRIFT_BINARY:
        kt_thrift_binary(thrift);
        break;
    case KT_THRIFT_LIST:
    case KT_THRIFT_SET:
        skip_items(thrift, depth + 1);
        break;
    case KT_THRIFT_MAP:
        skip_map(thrift, depth + 1);
        break;
    case KT_THRIFT_STRUCT:
        skip_struct(thrift, depth + 1);
        break;
    case KT_THRIFT_STOP:
    default:
        thrift->failed = true;
        break;
    }
}

void kt_thrift_skip(struct kt_thrift *thrift, enum kt_thrift_type type)
{
    skip_value(thrift, type, false, 0);
}
