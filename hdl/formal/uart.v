// A sender and a receiver of the serial line back to back: whatever is sent, whenever, arrives once, in order and
// whole, within the time of a frame and a half.
module uart_proof(input wire clock, input wire valid, input wire [7:0] data);
    localparam DIVIDER = 2;
    wire line, ready, come, broken;
    wire [7:0] received;
    uart_send send (.clock(clock), .valid(valid), .data(data), .reset(1'b0), .line(line), .ready(ready));
    uart_receive receive (.clock(clock), .line(line), .reset(1'b0), .valid(come), .broken(broken), .data(received));
    // What is under way, oldest first: a frame is taken when the one before may still be in the receiver.
    reg [7:0] oldest = 0, next = 0;
    reg [1:0] count = 0;
    reg [5:0] age = 0;
    wire push = valid && ready;
    always @(posedge clock) begin
        count <= count + push - come;
        age <= (come || count == 0) ? 0 : age + 1;
        if (come) oldest <= count == 1 ? data : next;
        else if (push && count == 0) oldest <= data;
        if (push) next <= data;
    end
    always @* begin
        assert (!broken);
        assert (count <= 2);
        assert (age <= 15 * DIVIDER);
        if (come) assert (count != 0 && received == oldest);
    end
endmodule
