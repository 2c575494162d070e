{{ config(post_hook='{{ record_sources(this) }}') }}

with quarantined as (

    select
        source,
        count(*) as row_count,
        -- a slice that cannot be used is in quarantine as a whole
        count(case when path = '$' and line_number is null then 1 end) as broken_slices,
        count(case when path like '%.tracks[%]' then 1 end) as broken_entries
    from {{ ref('quarantine') }}
    group by source

),

rules as (

    select
        source,
        rule,
        min(reason) as example,
        row_number() over (
            partition by source order by count(*) desc nulls last, rule asc nulls last
        ) as place
    from {{ ref('quarantine') }}
    group by
        source,
        rule

),

playlists_quarantined as (

    select
        coalesce(max(row_count), 0) as row_count,
        coalesce(max(broken_slices), 0) as broken_slices,
        coalesce(max(row_count - broken_slices - broken_entries), 0) as broken_playlists,
        coalesce(max(broken_entries), 0) as broken_entries
    from quarantined
    where source = 'playlists'

),

unusable as (

    select
        count(*) as row_count,
        min(unusable_counts) as example
    from {{ ref('base_kaggle__chart_songs') }}
    where
        unusable_counts is not null
        and rule is null

),

slices as (

    select
        count(*) as slice_count,
        min(case when {{ is_json_lines('slice') }} then 'file' else 'slice' end) as kind,
        max(status) as status,
        md5({{ joined_text("slice || ' ' || fingerprint", ', ', 'slice') }}) as fingerprint
    from {{ ref('stg_raw__slices') }}

),

playlists as (

    select count(*) as row_count
    from {{ ref('stg_mpd__playlists') }}

),

entries as (

    select count(*) as row_count
    from {{ ref('stg_mpd__playlist_tracks') }}

),

sources as (

    select
        files.source,
        files.status,
        files.file,
        files.encoding,
        files.delimiter,
        files.sha256 as fingerprint,
        files.row_count,
        coalesce(quarantined.row_count, 0) as quarantined,
        cast(coalesce(quarantined.row_count, 0) as double)
        / greatest(files.row_count, coalesce(quarantined.row_count, 0), 1) as quarantined_share,
        case
            when files.source <> 'chart_songs' or unusable.row_count = 0 then files.notes
            else
                coalesce(files.notes || '; ', '')
                || unusable.row_count || ' rows have a count that is not a whole number, which is left NULL: '
                || trim(unusable.example)
        end as notes
    from {{ ref('stg_raw__files') }} as files
    cross join unusable
    left join quarantined
        on files.source = quarantined.source
    where files.source <> 'ceilings'
    union all
    select
        'playlists' as source,
        coalesce(slices.status, 'absent') as status,
        -- 'file' if there is any of JSON lines
        nullif(slices.slice_count, 0) || ' ' || slices.kind
        || case when slices.slice_count > 1 then 's' else '' end
        || case
            when quarantined.broken_slices > 0 then ', ' || quarantined.broken_slices || ' broken'
            else ''
        end as file,
        cast(null as varchar) as encoding,
        cast(null as varchar) as delimiter,
        slices.fingerprint,
        playlists.row_count,
        quarantined.row_count as quarantined,
        greatest(
            cast(quarantined.broken_slices as double) / greatest(slices.slice_count, 1),
            cast(quarantined.broken_playlists as double)
            / greatest(playlists.row_count + quarantined.broken_playlists, 1),
            cast(quarantined.broken_entries as double)
            / greatest(entries.row_count + quarantined.broken_entries, 1)
        ) as quarantined_share,
        cast(null as varchar) as notes
    from slices
    cross join playlists
    cross join entries
    cross join playlists_quarantined as quarantined

)

select
    sources.* exclude (notes),
    case
        when sources.quarantined_share >= 1 then 'all'
        when sources.quarantined_share > {{ var('quarantine_warn') }} then 'many'
        when sources.quarantined > 0 then 'few'
        else 'none'
    end as quarantine_level,
    rules.rule as most_broken_rule,
    rules.example as rejection_example,
    sources.notes
from sources
left join rules
    on
        sources.source = rules.source
        and rules.place = 1
