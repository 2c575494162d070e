-- Copies the objects of a bucket that are not in data/raw/s3 yet, each into a folder of its own in data/s3.new.
-- See docs/operations.md.
set variable new = (
    select list(file)
    from glob('s3://music/playlists/*.jsonl')
    where parse_filename(file) not in (
        select url_decode(regexp_extract(file, 'object=([^/]+)', 1))
        from glob('data/raw/s3/*/*.jsonl')
    )
);

-- The text as it is: without a quote or a delimiter that a JSON line could have.
copy (
    select content, parse_filename(filename) as object
    from read_text(getvariable('new'))
) to 'data/s3.new' (
    format csv, header false, quote '', escape '', delimiter '\x01', partition_by (object), file_extension 'jsonl'
);
