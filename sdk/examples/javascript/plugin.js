// Tidies what arrives, and sends each modality to its room. One component, two roles: filter and router.

import { get as configuration } from "isocenter:host/config@0.1.1";
import { destinations } from "isocenter:routing/plan@0.1.1";

const STUDY_DATE = 0x00080020;
const ACCESSION_NUMBER = 0x00080050;
const MODALITY = 0x00080060;
const INSTITUTION_NAME = 0x00080080;

// An element of the top level.
const at = (tag) => ({ within: [], tag });

// The first text of a value, and "" where there is none. A value that is no text throws.
const first = (value) => value?.val[0]?.trim() ?? "";

const text = (value) => ({ tag: "text", val: [value] });

function isDate(text) {
  const digits = /^(\d{4})(\d{2})(\d{2})$/.exec(text);
  if (!digits) return false;
  const [year, month, day] = digits.slice(1).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

export const filter = {
  apply(object, passage, edits) {
    const [number, studied] = object.getMany([at(ACCESSION_NUMBER), at(STUDY_DATE)]).map(first);
    if (!number) return { tag: "refuse", val: "it has no accession number" };
    // What is thrown is the failure of the contract. The operator reads it: no value of the object goes in.
    if (studied && !isDate(studied)) throw { retry: { tag: "never" }, reason: "its study date is no date" };
    edits.set(at(ACCESSION_NUMBER), text(number.toUpperCase()));
    edits.set(at(INSTITUTION_NAME), text(JSON.parse(configuration()).institution));
    return { tag: "keep" };
  },
};

export const router = {
  route(object, plan) {
    const { rooms } = JSON.parse(configuration());
    const modality = first(object.get(at(MODALITY)));
    if (Object.hasOwn(rooms, modality)) plan.sendTo(rooms[modality]);
  },
};

export const lifecycle = {
  // Refuses what the roles could not work with, by one sentence for the operator.
  check() {
    const { institution, rooms } = JSON.parse(configuration());
    if (typeof institution !== "string") throw "`institution` must be a text";
    if (typeof rooms !== "object" || rooms === null) throw "`rooms` must be a table of modality and destination";
    const known = destinations();
    for (const room of Object.values(rooms)) {
      if (!known.includes(room)) throw `\`${room}\` is no configured destination`;
    }
  },
};
