//! Targets against real databases: what every target must do, and what only PostgreSQL can get wrong.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by failing; nothing here reaches a user"
)]

mod aftermath;
mod conformance;
mod copy;
mod every_type;
mod facts;
mod hash;
mod linked;
mod lost_commit;
mod modes;
mod place;
mod roll_back;
mod routes;
mod secure;
mod server;
mod settings;
mod tokens;

/// Runs the suite on every kind of target.
macro_rules! conformance {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                crate::conformance::$name(&crate::place::Place::sqlite()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let place = crate::place::Place::postgres().await;
                crate::conformance::$name(&place).await;
                place.remove().await;
            })*
        }
    };
}

conformance! {
    commits_every_type
    drop_means_nothing_happened
    twice_is_already
    init_is_idempotent
    needs_bookkeeping
    newer_bookkeeping_is_refused
    one_load_of_an_order_at_a_time
    reads_hostile_text_back
    finds_a_changed_cell
    finds_a_deleted_row
    finds_a_row_under_another_parent
    ignores_rows_of_others
    refers_within_a_table
    refuses_taken_keys_without_telling_values
    refuses_loose_references
    refuses_missing_values
    refuses_what_was_not_announced
    a_failed_write_cannot_be_committed
    catalogue_tells_keys
    alternates_rows_and_crosswalk
    loads_nothing
    refuses_a_source_key_twice
    later_loads_share_keyspaces
    tells_what_is_there
    assigns_numbers_that_no_row_has
    assigns_numbers_where_there_is_no_sequence
    matched_rows_are_linked_and_stay
    links_by_text_and_uuid
    a_load_that_another_stands_on_stays
    a_row_matched_from_another_series_keeps_its_load
    the_lock_keeps_writers_out
    bookkeeping_of_version_1_is_brought_up_to_date
    takes_a_load_back_whole
    rows_that_somebody_wrote_to_stay
    rows_that_others_refer_to_stay
    what_kept_rows_refer_to_stays
    changed_and_deleted_rows_come_back_as_they_were
    a_row_edited_before_the_load_stays_edited
    a_trigger_that_writes_a_restored_row_is_noticed
    what_stayed_goes_later
    loads_of_nobody_knows_when_are_refused
    tables_in_a_circle_go_together
    tells_triggers
    disables_triggers_for_the_load
    a_dropped_load_leaves_triggers_as_they_were
    takes_numbers_past_the_keys_written
    gathers_statistics
    upsert_writes_what_differs
    upsert_keeps_what_rows_were
    upsert_compares_by_bytes
    upsert_takes_rows_of_earlier_loads_over
    upsert_refuses_a_key_twice
    skip_existing_leaves_rows_alone
    rulings_keep_rows
    staged_rows_are_loaded_once_merged
    late_columns_are_filled_in
    a_check_tells_what_the_end_would
    self_references_are_checked_together
}
