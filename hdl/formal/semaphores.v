    // Inside of module semaphores. Semaphore `s`, any of them, against a count of its own.
    (* anyconst *) reg [3:0] s;
    wire take = (issue[0] & wait_masks[s]) | (issue[1] & wait_masks[16 + s]) | (issue[2] & wait_masks[32 + s])
        | (issue[3] & wait_masks[48 + s]);
    wire give = (done[0] & signal_masks[s]) | (done[1] & signal_masks[16 + s]) | (done[2] & signal_masks[32 + s])
        | (done[3] & signal_masks[48 + s]);
    wire [127:0] counts = {count_15, count_14, count_13, count_12, count_11, count_10, count_9, count_8, count_7,
        count_6, count_5, count_4, count_3, count_2, count_1, count_0};
    wire [7:0] count = counts >> 8 * s;
    reg [7:0] model = 0;
    reg full_and_given = 0;
    // A unit issues when what it waits for is there (sequencer).
    always @* assume (!(take && !give && model == 0));
    always @(posedge clock) begin
        full_and_given <= give && !take && model == 255 && !clear && !reset;
        if (reset || clear) model <= 0;
        else if (give && !take && model != 255) model <= model + 1;
        else if (take && !give) model <= model - 1;
    end
    always @* begin
        // It never wraps, and what is waited for is what was signalled.
        assert (count == model);
        assert (nonzero[s] == (model != 0));
        // One signal too many is told.
        if (full_and_given) assert (overflow);
    end
