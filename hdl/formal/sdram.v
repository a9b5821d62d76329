    // Inside of module sdram: the times between commands, counted anew, against the figures of the chip: T_*, which
    // the test puts before this. A command is decided here and at the pins two cycles later.
    localparam MOST = 31;
    reg [4:0] since_activate = MOST, since_precharge = MOST, since_refresh = MOST, since_mode = MOST;
    reg [4:0] since_write = MOST, since_read = MOST;
    reg [3:0] is_open = 0;
    // Any bank, and how long ago a word of it was written.
    (* anyconst *) reg [1:0] k;
    reg [4:0] since_write_of_k = MOST;
    reg begun = 0, begun_twice = 0;
    function [4:0] older(input [4:0] age);
        older = age == MOST ? MOST : age + 1;
    endfunction
    wire [1:0] word_bank = column_command ? bank : stream_bank;
    always @* assume (!reset);
    always @(posedge clock) begin
        begun <= 1;
        begun_twice <= begun;
        since_activate <= activate ? 1 : older(since_activate);
        since_precharge <= (precharge | precharge_all) ? 1 : older(since_precharge);
        since_refresh <= refresh ? 1 : older(since_refresh);
        since_mode <= set_mode ? 1 : older(since_mode);
        since_write <= word_written ? 1 : older(since_write);
        since_write_of_k <= word_written && word_bank == k ? 1 : older(since_write_of_k);
        since_read <= word_read ? 1 : older(since_read);
        if (precharge_all) is_open <= 0;
        else if (precharge) is_open[bank] <= 0;
        else if (activate) is_open[bank] <= 1;
    end
    always @* begin
        // What the timers say of the time that has passed.
        assert (since_activate >= 1 && since_precharge >= 1 && since_refresh >= 1 && since_mode >= 1);
        assert (since_write >= 1);
        assert (since_activate + activate_to_column >= T_RCD);
        assert (since_activate + activate_to_precharge >= T_RAS);
        assert (since_activate + activate_to_activate >= T_RC);
        assert (since_refresh + activate_to_activate >= T_RFC);
        assert (since_mode + activate_to_activate >= T_MRD);
        assert (since_precharge + precharge_to_activate >= T_RP);
        assert (since_write + write_to_precharge >= T_WR);
        assert (since_read + read_to_write >= T_TURN);
        assert (since_write_of_k >= since_write);
        // At most one thing is prepared, and the banks are as they are believed to be.
        assert (decides + closes + opens + moves + closes_all + refreshes + sets_mode <= 1);
        assert (is_open == {is_open_3, is_open_2, is_open_1, is_open_0});
        assert (activate + precharge + precharge_all + refresh + set_mode + column_command <= 1);
        if (opens) assert (!is_open[bank]);
        if (closes || moves) assert (is_open[bank]);
        if (refreshes || sets_mode) assert (is_open == 0);
        if (more) assert (is_open[stream_bank]);
        if (!initialised) assert (is_open == 0 && !(decides || closes || opens || moves || more || ending));
        if (initialised) assert (!sets_mode);

        // The rules of the chip.
        if (activate) assert (!is_open[bank] && since_activate >= T_RC && since_precharge >= T_RP
            && since_refresh >= T_RFC && since_mode >= T_MRD);
        if (column_command) assert (is_open[bank] && since_activate >= T_RCD);
        if (column_command && write) assert (since_read >= T_TURN);
        if (precharge || precharge_all) assert (since_activate >= T_RAS);
        if (precharge_all || (precharge && bank == stream_bank)) assert (since_write >= T_WR && !more);
        if (precharge_all || (precharge && bank == k)) assert (since_write_of_k >= T_WR);
        if (refresh || set_mode) assert (is_open == 0 && since_precharge >= T_RP && since_activate >= T_RC
            && since_refresh >= T_RFC && since_mode >= T_MRD);
    end
    // At the pins there is what was decided, and nothing else.
    always @(posedge clock) if (begun_twice) begin
        assert (!sdram_ras_n == $past(activate | precharge | precharge_all | refresh | set_mode, 2));
        assert (!sdram_cas_n == $past(refresh | set_mode | column_command, 2));
        assert (!sdram_we_n == $past(precharge | precharge_all | set_mode | burst_stop | (column_command & write), 2));
        if ($past(activate, 2)) assert (sdram_a == $past(row, 2));
        if ($past(activate | precharge | column_command, 2)) assert (sdram_ba == $past(bank, 2));
        if ($past(column_command, 2)) assert (!sdram_a[10] && sdram_a[8:0] == $past(column, 2));
        if ($past(precharge, 2)) assert (!sdram_a[10]);
        if ($past(precharge_all, 2)) assert (sdram_a[10]);
    end
