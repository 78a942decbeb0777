/* How does a value of ours read in JSON? The hard thing: JSON has no NaN and no infinity, and
 * jansson refuses text that is not UTF-8, so both are decided here once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/json_value.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "analyzer/text_layout.h"

static json_t *text_with_replacements(const char *text)
{
    struct buffer mended = {0};
    uint32_t code_point;
    while (*text != '\0') {
        size_t length = text_code_point(text, &code_point);
        if (length == 0) {
            buffer_append_text(&mended, "\xef\xbf\xbd");
            text++;
        } else {
            buffer_append(&mended, text, length);
            text += length;
        }
    }
    json_t *value = mended.failed ? NULL : json_stringn(mended.data, mended.length);
    buffer_free(&mended);
    return value;
}

json_t *json_value_text(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    json_t *value = json_string(text);
    return value != NULL ? value : text_with_replacements(text);
}

json_t *json_value_number(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *json_value_instant(instant_us at)
{
    char text[INSTANT_TEXT_SIZE];
    return at == INSTANT_NONE ? json_null() : json_string(instant_format(at, text));
}

json_t *json_value_range(struct range range)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "low", json_value_number(range.low), &complete);
    json_value_set(object, "likely", json_value_number(range.likely), &complete);
    json_value_set(object, "high", json_value_number(range.high), &complete);
    if (!complete) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *instant_of_number(double at_us)
{
    return isfinite(at_us) ? json_value_instant((instant_us)llround(at_us)) : json_null();
}

json_t *json_value_instant_range(struct range range_us)
{
    bool complete = true;
    json_t *object = json_object();
    json_value_set(object, "low", instant_of_number(range_us.low), &complete);
    json_value_set(object, "likely", instant_of_number(range_us.likely), &complete);
    json_value_set(object, "high", instant_of_number(range_us.high), &complete);
    if (!complete) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *json_value_texts(const char *const *texts, size_t count)
{
    bool complete = true;
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_value_append(array, json_value_text(texts[i]), &complete);
    }
    if (!complete) {
        json_decref(array);
        return NULL;
    }
    return array;
}

json_t *json_value_e_value(double log10_e_value)
{
    return json_value_number(isnan(log10_e_value) ? NAN : pow(10, fmin(log10_e_value, 300)));
}

void json_value_set(json_t *object, const char *key, json_t *take_value, bool *complete)
{
    if (json_object_set_new(object, key, take_value) != 0) {
        *complete = false;
    }
}

void json_value_append(json_t *array, json_t *take_value, bool *complete)
{
    if (json_array_append_new(array, take_value) != 0) {
        *complete = false;
    }
}

bool json_value_write(json_t *take_value, bool complete, struct buffer *out,
                      struct failure *failure)
{
    char *text = complete ? json_dumps(take_value, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(take_value);
    if (text == NULL) {
        return failure_memory(failure, "writing JSON");
    }
    buffer_append_text(out, text);
    free(text);
    return buffer_check(out, failure);
}
