/* Tidies what arrives, and sends each modality to its room. One component, two roles: filter and router.

   Nothing is freed here: the instance ends with the call. What an export hands out is allocated (`tidy_string_dup`),
   because the bindings free it. */

#include <stdlib.h>

#include "text.h"

enum { STUDY_DATE = 0x00080020, ACCESSION_NUMBER = 0x00080050, MODALITY = 0x00080060, INSTITUTION_NAME = 0x00080080 };

static isocenter_dicom_types_path_t at(uint32_t tag) { return (isocenter_dicom_types_path_t){.within = {NULL, 0}, .tag = tag}; }

/* The first text of an element, without blanks around it, and an empty one where there is none. Traps at a value that
   is no text. */
static text_t first(isocenter_dicom_objects_borrow_object_t object, uint32_t tag) {
    isocenter_dicom_types_path_t path = at(tag);
    isocenter_dicom_types_value_t value;
    if (!isocenter_dicom_objects_method_object_get(object, &path, &value)) return text("");
    if (value.tag != ISOCENTER_DICOM_TYPES_VALUE_TEXT) __builtin_trap();
    return value.val.text.len ? trimmed(value.val.text.ptr[0]) : text("");
}

static void set(isocenter_dicom_edits_borrow_edits_t edits, uint32_t tag, text_t to) {
    isocenter_dicom_types_path_t path = at(tag);
    isocenter_dicom_types_value_t value = {.tag = ISOCENTER_DICOM_TYPES_VALUE_TEXT, .val.text = {&to, 1}};
    isocenter_dicom_edits_method_edits_set(edits, &path, &value);
}

static text_t configured(const char *name) {
    text_t json;
    isocenter_host_config_get(&json);
    return member(json, text(name));
}

static bool is_date(text_t of) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned digits = 0;
    if (of.len != 8) return false;
    for (size_t i = 0; i < of.len; i++) {
        if (of.ptr[i] < '0' || of.ptr[i] > '9') return false;
        digits = 10 * digits + (of.ptr[i] - '0');
    }
    unsigned year = digits / 10000, month = digits / 100 % 100, day = digits % 100;
    if (month < 1 || month > 12) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

bool exports_isocenter_filter_filter_apply(isocenter_dicom_objects_borrow_object_t object,
                                           isocenter_filter_passage_borrow_passage_t passage,
                                           isocenter_dicom_edits_borrow_edits_t edits,
                                           exports_isocenter_filter_filter_verdict_t *verdict,
                                           exports_isocenter_filter_filter_failure_t *failure) {
    text_t number = first(object, ACCESSION_NUMBER), studied = first(object, STUDY_DATE), institution;
    if (number.len == 0) {
        verdict->tag = EXPORTS_ISOCENTER_FILTER_FILTER_VERDICT_REFUSE;
        tidy_string_dup(&verdict->val.refuse, "it has no accession number");
        return true;
    }
    if (studied.len && !is_date(studied)) {
        failure->retry.tag = ISOCENTER_HOST_FAILURE_RETRY_NEVER;
        /* The operator reads this: no value of the object goes in. */
        tidy_string_dup(&failure->reason, "its study date is no date");
        return false;
    }
    for (size_t i = 0; i < number.len; i++)
        if (number.ptr[i] >= 'a' && number.ptr[i] <= 'z') number.ptr[i] -= 'a' - 'A';
    set(edits, ACCESSION_NUMBER, number);
    if (inside(configured("institution"), &institution)) set(edits, INSTITUTION_NAME, institution);
    verdict->tag = EXPORTS_ISOCENTER_FILTER_FILTER_VERDICT_KEEP;
    return true;
}

bool exports_isocenter_routing_router_route(isocenter_dicom_objects_borrow_object_t object,
                                            isocenter_routing_plan_borrow_plan_t plan,
                                            exports_isocenter_routing_router_failure_t *failure) {
    text_t room;
    if (inside(member(configured("rooms"), first(object, MODALITY)), &room))
        isocenter_routing_plan_method_plan_send_to(plan, &room);
    return true;
}

/* "`NAME` REST" */
static void named(tidy_string_t *why, text_t name, const char *rest) {
    why->len = name.len + strlen(rest) + 3;
    why->ptr = malloc(why->len);
    if (!why->ptr) __builtin_trap();
    why->ptr[0] = '`';
    memcpy(why->ptr + 1, name.ptr, name.len);
    memcpy(why->ptr + 1 + name.len, "` ", 2);
    memcpy(why->ptr + 3 + name.len, rest, strlen(rest));
}

/* Refuses what the roles could not work with, by one sentence for the operator. */
bool exports_isocenter_plugin_lifecycle_check(tidy_string_t *why) {
    text_t rooms = configured("rooms"), modality, value, plain;
    if (!inside(configured("institution"), &plain)) {
        named(why, text("institution"), "must be a text without escapes");
        return false;
    }
    if (rooms.len == 0 || rooms.ptr[0] != '{') {
        named(why, text("rooms"), "must be a table of modality and destination");
        return false;
    }
    tidy_list_string_t known;
    isocenter_routing_plan_destinations(&known);
    for (size_t member = 0; next_member(rooms, &member, &modality, &value);) {
        if (!inside(value, &plain)) plain = value;
        bool found = false;
        for (size_t i = 0; i < known.len; i++) found |= same(plain, known.ptr[i]);
        if (!found) {
            named(why, plain, "is no configured destination");
            return false;
        }
    }
    return true;
}
