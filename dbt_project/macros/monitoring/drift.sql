{#- The references of a drift report that are those of the champions. `reference` is a column of ml.model_versions. -#}
{% macro references_of_champions(reference) -%}
    select
        champions.task,
        champions.model_id,
        versions.origin,
        versions.{{ reference }} as reference
    from {{ ref('champions') }} as champions
    inner join {{ ref('model_versions') }} as versions
        on champions.task = versions.task and champions.model_id = versions.model_id
    -- Training on changed rows may give the same model again, as a new version: the newest counts.
    qualify row_number() over (partition by champions.task order by versions.version desc nulls last) = 1
{%- endmacro %}

{#- The query of a drift report: the distance of current values from earlier profiles. `kind` is feature or prediction.
    `references` is a query for the profiles, with task, model_id, origin and reference.

    PSI is the sum of (p - q) ln(p / q) over the bins. Jensen-Shannon is the mean divergence of both distributions from
    their average, in bits. Half a row is added to each bin, so that an empty bin does not make PSI infinite. Two samples
    of these sizes from the same distribution have a PSI below `psi_noise` in 999 of 1,000 cases: PSI times n m / (n + m)
    is chi-squared (Yurdakul, 2018), and Wilson and Hilferty (1931) give the quantile. -#}
{% macro drift(kind, references) -%}
    with compared as (

        {{ references }}

    ),

    expected as (

        select
            profiles.*,
            compared.model_id
        from {{ ref('profiles') }} as profiles
        inner join compared
            on profiles.task = compared.task and profiles.reference = compared.reference
        where profiles.kind = '{{ kind }}'

    ),

    observed as (

        select *
        from {{ ref('observed_values') }}
        where
            kind = '{{ kind }}'
            {%- if kind == 'prediction' %}
            and reference in (select compared.reference from compared)
            {%- endif %}

    ),

    -- as labels, for the names whose profile has labels
    labels as (

        select
            expected.task,
            expected.model_id,
            expected.name,
            coalesce(observed.label, cast(observed.value as varchar)) as label
        from (select distinct task, model_id, name from expected where label is not null) as expected
        inner join observed
            on expected.task = observed.task and expected.name = observed.name
        where observed.label is not null or observed.value is not null

    ),

    counted as (

        select
            expected.task,
            expected.model_id,
            expected.name,
            expected.bin,
            expected.row_count as expected_rows,
            count(observed.value) as observed_rows
        from expected
        left join observed
            on
                expected.task = observed.task
                and expected.name = observed.name
                and (expected.low is null or observed.value >= expected.low)
                and (expected.high is null or observed.value < expected.high)
        where expected.label is null
        group by expected.task, expected.model_id, expected.name, expected.bin, expected.row_count
        union all
        -- labels that the profile lacks share bin 0
        select
            labels.task,
            labels.model_id,
            labels.name,
            coalesce(expected.bin, 0) as bin,
            coalesce(max(expected.row_count), 0) as expected_rows,
            count(*) as observed_rows
        from labels
        left join expected
            on
                labels.task = expected.task
                and labels.name = expected.name
                and labels.label = expected.label
        group by labels.task, labels.model_id, labels.name, coalesce(expected.bin, 0)
        union all
        -- labels that no longer occur have no rows
        select
            expected.task,
            expected.model_id,
            expected.name,
            expected.bin,
            expected.row_count as expected_rows,
            0 as observed_rows
        from expected
        left join (select distinct task, name, label from labels) as present
            on
                expected.task = present.task
                and expected.name = present.name
                and expected.label = present.label
        where expected.label is not null and present.label is null

    ),

    totals as (

        select
            *,
            sum(expected_rows) over (partition by task, model_id, name) as expected_total,
            sum(observed_rows) over (partition by task, model_id, name) as observed_total,
            count(*) over (partition by task, model_id, name) as bins
        from counted

    ),

    shares as (

        select
            *,
            (expected_rows + cast(0.5 as double)) / (expected_total + 0.5 * bins) as p,
            (observed_rows + cast(0.5 as double)) / (observed_total + 0.5 * bins) as q
        from totals

    ),

    distances as (

        select
            task,
            model_id,
            name,
            max(expected_total) as expected_rows,
            max(observed_total) as observed_rows,
            sum((p - q) * ln(p / q)) as psi,
            sum(p * ln(2 * p / (p + q)) + q * ln(2 * q / (p + q))) / (2 * ln(cast(2 as double))) as jensen_shannon,
            cast(1 as double) / max(expected_total) + cast(1 as double) / nullif(max(observed_total), 0) as rows_share,
            cast(greatest(max(bins) - 1, 1) as double) as freedom
        from shares
        group by task, model_id, name

    ),

    judged as (

        select
            *,
            rows_share * freedom * power(1 - 2 / (9 * freedom) + 3.09 * sqrt(2 / (9 * freedom)), 3) as psi_noise
        from distances

    )

    select
        judged.task,
        judged.model_id,
        judged.name as {{ kind }},
        cast(judged.expected_rows as bigint) as expected_rows,
        cast(judged.observed_rows as bigint) as observed_rows,
        judged.psi,
        judged.psi_noise,
        judged.jensen_shannon,
        case
            when judged.observed_rows = 0 then 'error'
            when judged.psi > {{ var('drift_error') }} + judged.psi_noise then 'error'
            when judged.psi > {{ var('drift_warn') }} + judged.psi_noise then 'warn'
            else 'none'
        end as level,
        compared.origin
    from judged
    inner join compared
        on judged.task = compared.task and judged.model_id = compared.model_id
{%- endmacro %}
