with quarantined as (

    select
        source,
        count(*) as row_count,
        -- of a slice that cannot be used at all, the whole is in quarantine
        count(case when source = 'playlists' and path = '$' then 1 end) as broken_slices
    from {{ ref('quarantine') }}
    group by source

),

slices as (

    select
        count(*) as slice_count,
        max(status) as status,
        md5({{ joined_text("slice || ' ' || fingerprint", ', ', 'slice') }}) as fingerprint
    from {{ ref('stg_raw__slices') }}

),

playlists as (

    select count(*) as row_count
    from {{ ref('stg_mpd__playlists') }}

)

select
    files.source,
    files.status,
    files.file,
    files.encoding,
    files.delimiter,
    files.sha256 as fingerprint,
    files.row_count,
    coalesce(quarantined.row_count, 0) as quarantined
from {{ ref('stg_raw__files') }} as files
left join quarantined
    on files.source = quarantined.source
where files.source <> 'ceilings'
union all
select
    'playlists' as source,
    coalesce(slices.status, 'absent') as status,
    case slices.slice_count
        when 0 then null
        when 1 then '1 slice'
        else slices.slice_count || ' slices'
    end
    || case
        when quarantined.broken_slices > 0 then ', ' || quarantined.broken_slices || ' broken'
        else ''
    end as file,
    cast(null as varchar) as encoding,
    cast(null as varchar) as delimiter,
    slices.fingerprint,
    playlists.row_count,
    coalesce(quarantined.row_count, 0) as quarantined
from slices
cross join playlists
left join quarantined
    on quarantined.source = 'playlists'
