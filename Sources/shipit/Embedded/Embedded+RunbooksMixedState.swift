// Written by scripts/embed from runbooks/mixed-state.md: change that file, then `make docs`.

extension Embedded {
  static let runbooksMixedState = #"""
    # The state is mixed

    Exit 8: some services run the new code and others the old, or it is not known what runs. A person is needed.

    1. Keep others out while you look.

       ```sh
       shipit hold prod --reason "mixed state, being looked at"
       ```

    2. See what runs where, and what is still in flight.

       ```sh
       shipit status prod
       ```

    3. Something is in flight or not known: find out. It puts nothing live and takes nothing back.

       ```sh
       shipit settle prod
       ```

    4. See how it came to this.

       ```sh
       shipit why prod
       ```

    5. Users are hurt: go back.

       ```sh
       shipit rollback prod --yes --reason "mixed state"
       ```

    6. Users are not hurt, and the cause is known and mended: go forward with a commit that works.

       ```sh
       shipit unhold prod
       shipit deploy prod --yes
       ```

    7. See that it is over: one release, every row proven.

       ```sh
       shipit status prod
       ```
    """#
}
