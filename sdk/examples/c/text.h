/* Texts of the bindings, and what of JSON a configuration needs. What is malformed is not found: the host wrote it. */

#include <string.h>

#include "tidy.h"

typedef tidy_string_t text_t;

static text_t text(const char *literal) { return (text_t){(uint8_t *)literal, strlen(literal)}; }

static bool same(text_t a, text_t b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

static text_t trimmed(text_t of) {
    while (of.len && *of.ptr == ' ') of.ptr++, of.len--;
    while (of.len && of.ptr[of.len - 1] == ' ') of.len--;
    return of;
}

/* Where the string or other value that begins at `at` ends. The host writes no blanks between tokens. */
static size_t end_of_value(text_t json, size_t at) {
    int depth = 0;
    bool quoted = false;
    for (; at < json.len; at++) {
        uint8_t byte = json.ptr[at];
        if (quoted) {
            if (byte == '\\') at++;
            if (byte == '"') quoted = false;
            continue;
        }
        if (depth == 0 && (byte == ',' || byte == ':' || byte == '}')) break;
        if (byte == '"') quoted = true;
        if (byte == '{' || byte == '[') depth++;
        if (byte == '}' || byte == ']') depth--;
    }
    return at < json.len ? at : json.len;
}

/* Steps through an object: begin with `*at` as 0. Key and value are JSON. False behind the last member. */
static bool next_member(text_t object, size_t *at, text_t *key, text_t *value) {
    size_t from = *at + 1;
    if (object.len < 2 || object.ptr[0] != '{' || from >= object.len || object.ptr[from] != '"') return false;
    size_t colon = end_of_value(object, from);
    if (colon >= object.len || object.ptr[colon] != ':') return false;
    *key = (text_t){object.ptr + from, colon - from};
    *at = end_of_value(object, colon + 1);
    *value = (text_t){object.ptr + colon + 1, *at - colon - 1};
    return true;
}

/* What is in a JSON string; false for other values, and for strings with escapes, which this example does not read. */
static bool inside(text_t json, text_t *string) {
    if (json.len < 2 || json.ptr[0] != '"' || memchr(json.ptr, '\\', json.len)) return false;
    *string = (text_t){json.ptr + 1, json.len - 2};
    return true;
}

/* The value of a member as JSON; empty where there is none. */
static text_t member(text_t object, text_t name) {
    size_t at = 0;
    text_t key, value, plain;
    while (next_member(object, &at, &key, &value))
        if (inside(key, &plain) && same(plain, name)) return value;
    return (text_t){NULL, 0};
}
