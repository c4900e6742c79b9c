-- Procedure steps. They are not in the packs: what was scheduled others told, and what was performed modalities did.

-- The modality worklist. Who has ended stays for a while, so that an order that comes again does not begin anew.
CREATE TABLE scheduled_steps (
    study_uid text COLLATE "C" NOT NULL,
    step_id text COLLATE "C" NOT NULL,
    station_aes text[] COLLATE "C" NOT NULL,
    modality text COLLATE "C" NOT NULL,
    start_date date NOT NULL,
    start_time time NOT NULL,
    -- Person names are folded for matching, as those of studies.
    performing_name text COLLATE "C",
    performing_name_ideographic text COLLATE "C",
    performing_name_phonetic text COLLATE "C",
    patient_name text COLLATE "C",
    patient_name_ideographic text COLLATE "C",
    patient_name_phonetic text COLLATE "C",
    patient_id text COLLATE "C" NOT NULL,
    patient_id_issuer text COLLATE "C",
    patient_birth_date date,
    patient_sex text COLLATE "C",
    accession_number text COLLATE "C",
    requested_procedure_id text COLLATE "C" NOT NULL,
    -- Order numbers with the namespaces of who gave them.
    placer text COLLATE "C",
    filler text COLLATE "C",
    -- Scheduled Procedure Step Status (0040,0020); it overrides that of the attributes.
    status text COLLATE "C" NOT NULL,
    -- What is shown: DICOM JSON, as it was given.
    attributes jsonb NOT NULL,
    scheduled timestamptz NOT NULL DEFAULT now(),
    changed timestamptz NOT NULL DEFAULT now(),
    -- SOP Instance UID of the performed step that began last.
    performed text COLLATE "C",
    ended timestamptz,
    outcome text COLLATE "C" CHECK (outcome IN ('completed', 'discontinued', 'cancelled')),
    PRIMARY KEY (study_uid, step_id),
    CHECK ((ended IS NULL) = (outcome IS NULL))
);
CREATE INDEX scheduled_by_start ON scheduled_steps (start_date, start_time, study_uid, step_id) WHERE ended IS NULL;
CREATE INDEX scheduled_by_station ON scheduled_steps USING gin (station_aes) WHERE ended IS NULL;
CREATE INDEX scheduled_by_modality ON scheduled_steps (modality, start_date, start_time) WHERE ended IS NULL;
CREATE INDEX scheduled_by_performing_name ON scheduled_steps (performing_name) WHERE performing_name IS NOT NULL;
CREATE INDEX scheduled_by_performing_name_ideographic ON scheduled_steps (performing_name_ideographic) WHERE performing_name_ideographic IS NOT NULL;
CREATE INDEX scheduled_by_performing_name_phonetic ON scheduled_steps (performing_name_phonetic) WHERE performing_name_phonetic IS NOT NULL;
CREATE INDEX scheduled_by_patient_name ON scheduled_steps (patient_name) WHERE patient_name IS NOT NULL;
CREATE INDEX scheduled_by_patient_name_ideographic ON scheduled_steps (patient_name_ideographic) WHERE patient_name_ideographic IS NOT NULL;
CREATE INDEX scheduled_by_patient_name_phonetic ON scheduled_steps (patient_name_phonetic) WHERE patient_name_phonetic IS NOT NULL;
CREATE INDEX scheduled_by_patient_id ON scheduled_steps (patient_id);
CREATE INDEX scheduled_by_accession_number ON scheduled_steps (accession_number) WHERE accession_number IS NOT NULL;
CREATE INDEX scheduled_by_requested_procedure ON scheduled_steps (requested_procedure_id);
CREATE INDEX scheduled_by_step ON scheduled_steps (step_id);
CREATE INDEX scheduled_by_placer ON scheduled_steps (placer) WHERE placer IS NOT NULL;
CREATE INDEX scheduled_by_filler ON scheduled_steps (filler) WHERE filler IS NOT NULL;
CREATE INDEX scheduled_by_performed ON scheduled_steps (performed) WHERE performed IS NOT NULL;
CREATE INDEX scheduled_by_end ON scheduled_steps (ended) WHERE ended IS NOT NULL;

-- Modality performed procedure steps.
CREATE TABLE performed_steps (
    uid text COLLATE "C" PRIMARY KEY,
    state text COLLATE "C" NOT NULL CHECK (state IN ('IN PROGRESS', 'COMPLETED', 'DISCONTINUED')),
    -- Of the items of the Scheduled Step Attributes Sequence.
    studies text[] COLLATE "C" NOT NULL,
    -- DICOM JSON, as it was created and changed.
    attributes jsonb NOT NULL,
    calling_ae text COLLATE "C",
    id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    created timestamptz NOT NULL DEFAULT now(),
    changed timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX performed_by_study ON performed_steps USING gin (studies);
