    // Inside of module memory_port: AXI's rule that a command stays until it is taken, and what is under way.
    reg begun = 0;
    reg [5:0] reads = 0, writes = 0;
    // The memory ends only what it was given (AXI), a response a write; store has as many writes under way as responses
    // can be counted.
    always @* begin
        assume (!(rvalid && rlast && reads == 0));
        assume (!(bvalid && writes == 0));
        assume (!(request[4] && writes == 31));
        // A master asks for a burst of some length.
    end
    wire granted_read = |grant && !grant[4];
    always @(posedge clock) begin
        begun <= 1;
        reads <= reset ? 0 : reads + granted_read - (rvalid && rlast);
        writes <= reset ? 0 : writes + grant[4] - bvalid;
        if (begun && !$past(reset)) begin
            if ($past(arvalid && !arready)) assert (arvalid && $stable(araddr) && $stable(arlen));
            if ($past(awvalid && !awready)) assert (awvalid && $stable(awaddr) && $stable(awlen));
            if ($past(stop)) assert ($past(grant) == 0);
        end
    end
    always @* begin
        // One master at a time, and one command.
        assert ((grant & (grant - 1)) == 0);
        assert ((grant & ~request) == 0);
        assert (!(arvalid && awvalid));
        // The queue of who reads never runs over, and the port is idle when nothing is under way.
        assert (reads == returns_count && returns_count <= 8);
        assert (writes == responses_left);
        if (idle) assert (reads == 0 && writes == 0 && !arvalid && !awvalid);
    end
