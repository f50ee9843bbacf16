// Written by scripts/embed from runbooks/lease-held.md: change that file, then `make docs`.

extension Embedded {
  static let runbooksLeaseHeld = #"""
    # Somebody holds the environment

    Exit 5: another run has the lease. One at a time is what keeps two of them from undoing each other.

    1. See who, since when, and what they do.

       ```sh
       shipit status prod
       ```

    2. It is a deploy that goes well: wait. It takes at most `protect.deadline` of the environment file.

    3. It is a run that nobody is behind any more (a closed laptop, a lost runner): the lease ends by itself, after 15
       seconds, with `state: git` after 90. The next command finds out what was left in flight before it does anything.

       ```sh
       shipit deploy prod --yes
       ```

    4. It has to stop and you know whose it is: have them press Ctrl-C once, or cancel the job. It puts away what is not
       live, and tells what is. Then:

       ```sh
       shipit status prod
       ```
    """#
}
