    // Inside of module store: AXI's rule that a beat stays until it is taken.
    reg begun = 0, busy = 0;
    reg [255:0] issued = 0;
    // One instruction at a time, which stays (sequencer); what is granted was requested (memory_port). Reset is held
    // until everything that is under way has come out (`reset_cycles`): it is as good as power-up.
    always @* begin
        assume (!reset);
        assume (!(start && busy));
        assume (!busy || instruction == issued);
        assume (!grant || request);
    end
    always @(posedge clock) begin
        begun <= 1;
        busy <= start || (busy && !done);
        if (start) issued <= instruction;
        if (begun && $past(wvalid && !wready))
            assert (wvalid && $stable(wdata) && $stable(wstrb) && $stable(wlast));
    end
