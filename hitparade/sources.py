"""What was read: the one query behind the summary and the report."""

# source, status, file or number of slices, encoding, delimiter, rows, quarantined
SOURCES = """
    select
        files.source,
        files.status,
        coalesce(files.file, '') as file,
        coalesce(files.encoding, '') as encoding,
        coalesce(files.delimiter, '') as delimiter,
        files.row_count as rows,
        count(quarantine.source) as quarantined
    from staging.stg_raw__files as files
    left join staging.quarantine as quarantine on files.source = quarantine.source
    where files.source <> 'ceilings'
    group by all
    union all
    select
        'playlists',
        coalesce(max(slices.status), 'absent'),
        case count(*) when 0 then '' when 1 then '1 slice' else count(*) || ' slices' end
        || coalesce(', ' || nullif(any_value(broken.slices), 0) || ' broken', ''),
        '',
        '',
        (select count(*) from staging.stg_mpd__playlists),
        (select count(*) from staging.quarantine where source = 'playlists')
    from staging.stg_raw__slices as slices
    -- of a slice that cannot be used at all, the whole is in quarantine
    cross join (
        select count(*) as slices from staging.quarantine where source = 'playlists' and path = '$'
    ) as broken
    order by source
"""
