-- Whole institutions and issuers are what callers are limited to; the latter in the order in which studies are shown.
CREATE INDEX series_by_institution ON series (institution_name, study_uid) WHERE institution_name IS NOT NULL;
CREATE INDEX studies_by_issuer
    ON studies (patient_id_issuer, study_date DESC NULLS LAST, study_time DESC NULLS LAST, study_uid)
    WHERE patient_id_issuer IS NOT NULL;
